"""What a deployment lends to the tools of workflows, for tests: language models, a mail server and a database, all real and near."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from tests.support.mail import Mailbox, mail_server
from tests.support.models import ModelServer, model_server

GOODS = {"tea": 3, "cups": 40, "rusk": 1}


@dataclass(frozen=True, slots=True)
class Lent:
    """What is lent: models of the providers ``main`` and ``agents``, mail, and the database ``shop`` to read. ``file`` names them to a worker."""

    file: Path
    main: ModelServer
    agents: ModelServer
    mail: Mailbox


@contextmanager
def lent(folder: Path, dsn: str, goods: Mapping[str, int] = GOODS) -> Iterator[Lent]:
    """All of it until the end of the block; the shop is a table in the database of ``dsn``."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("CREATE TABLE public.goods (name text PRIMARY KEY, quantity int NOT NULL)")
        with connection.cursor() as cursor:
            cursor.executemany("INSERT INTO public.goods VALUES (%s, %s)", list(goods.items()))
    with model_server() as main, model_server() as agents, mail_server(folder) as mail:
        file = folder / "services.ini"
        models = [
            f"[model:{name}]\nkind = openai\nbase_url = {each.url}/v1"
            for name, each in (("main", main), ("agents", agents))
        ]
        post = f"[mail]\nhost = 127.0.0.1\nport = {mail.port}\nsender = shop@example.org\nsecurity = none"
        file.write_text("\n".join([*models, post, f"[database:shop]\nurl = {dsn}\ntenants = *\n"]))
        yield Lent(file, main, agents, mail)
