from highway import Driver
from said import say

driver = Driver(name="rounds")


@driver.task(py=True)
def start():
    return {"limit": 3}


@driver.while_loop(condition="{{loop.index}} < {{start_result.limit}}", depends=["start"], durable=False)
def turn():
    return {"turned": True}


say(driver.run(timeout=60))
