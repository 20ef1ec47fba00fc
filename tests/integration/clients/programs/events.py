from highway import Driver
from said import say

driver = Driver(name="events")


@driver.emit(event="ready", payload={"answer": 42})
def announce():
    pass


@driver.wait_for(event="ready", timeout=30, depends=["announce"])
def hear():
    pass


say(driver.run(timeout=60))
