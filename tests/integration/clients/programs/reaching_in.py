import sys

from highway import Driver
from said import say

driver = Driver(name="reaching_in")


@driver.task(http=True)
def fetch():
    return {"url": sys.argv[1], "method": "GET"}


say(driver.run(timeout=60))
