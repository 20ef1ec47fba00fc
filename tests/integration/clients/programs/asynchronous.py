from highway import Driver
from said import say

driver = Driver(name="asynchronous")


@driver.task(shell=True)
def speak():
    return "sleep 600"


submitted = driver.run(wait=False)
assert submitted.state.name == "SUBMITTED", submitted
assert driver.status(submitted.run_id).state.name in {"PENDING", "RUNNING"}
assert driver.cancel(submitted.run_id) is True
say(submitted)
