from highway import Driver
from said import say

driver = Driver(name="each")


@driver.task(py=True)
def items():
    return {"names": ["a", "b", "c"]}


@driver.foreach(items="{{items_result.names}}", depends=["items"])
def visit():
    return {"seen": True}


say(driver.run(timeout=60))
