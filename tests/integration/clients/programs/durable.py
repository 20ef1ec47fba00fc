from highway import Driver
from said import say

driver = Driver(name="durable")


@driver.task(durable=True)
def remember(ctx):
    number = ctx.step("count", lambda: 42)
    ctx.sleep(0.1)
    ctx.set_variable("number", number)
    return {"number": number}


@driver.task(durable=True, depends=["remember"])
def answer():
    return {"plain": True}


say(driver.run(timeout=60))
