from highway import Driver
from said import say

driver = Driver(name="failing")


@driver.task(shell=True, retries=2, retry_delay=0.1)
def broken():
    return "exit 3"


say(driver.run(timeout=60))
