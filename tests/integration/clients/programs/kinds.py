from highway import Driver
from said import say

driver = Driver(name="kinds")


@driver.task(shell=True)
def speak():
    return "echo spoken"


@driver.task(py=True, depends=["speak"])
def compute():
    return {"total": sum(range(5))}


@driver.task(tool="tools.log.info", depends=["compute"])
def note():
    return {"message": "total {{compute_result.total}} after {{speak_result.stdout}}"}


say(driver.run(timeout=60))
