from datetime import timedelta

from highway import Driver
from said import say

driver = Driver(name="delayed")


@driver.task(shell=True, delay=timedelta(seconds=2))
def later():
    return "date"


say(driver.run(timeout=60))
