"""Two copies of a request that arrive at the same time, at two agents."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from django.db import connections

from offload.conf import peers
from offload.core.peers.rule_requests import RequestAction
from offload.models import AnsweredRequest, ChangeRecord, Rule
from offload.operations.changes import requested
from offload.peers.receiving import Receiver
from tests.databases import on_postgresql

if TYPE_CHECKING:
    from tests.integration.peers.requests.mail import Mail


@on_postgresql
def test_one_is_applied_and_both_get_the_same_verdict(mail: Mail) -> None:
    mail.ask(RequestAction.DENY, "dam/web")
    mail.send()
    mail.send_again()
    first, second = mail.sent["render"]
    with mail.peer():
        start = threading.Barrier(2)

        def take(data: bytes) -> None:
            receiver = Receiver(config=peers(), request_taker=requested.take)
            start.wait(60)
            receiver.take(data)
            connections.close_all()

        threads = [threading.Thread(target=take, args=(data,)) for data in (first, second)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        assert Rule.objects.count() == 1
        assert ChangeRecord.objects.count() == 1
        assert AnsweredRequest.objects.get().outcome == "applied"
    assert len(mail.sent["site"]) == 2
