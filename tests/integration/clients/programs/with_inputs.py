from highway import Driver
from said import say

driver = Driver(name="with_inputs")


@driver.task(shell=True)
def greet():
    return "echo hello {{who}}"


say(driver.run(timeout=60, inputs={"who": "world"}))
