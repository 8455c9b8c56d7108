"""The verbs of ``manage.py offload``, in the order they are listed."""

from __future__ import annotations

from offload.management.verbs.broker import BROKER
from offload.management.verbs.changes import CHANGES
from offload.management.verbs.checking.doctor import DOCTOR
from offload.management.verbs.checking.lint import LINT
from offload.management.verbs.clear import CLEAR
from offload.management.verbs.explain import EXPLAIN
from offload.management.verbs.instances import INSTANCES
from offload.management.verbs.jobs.deliver import DELIVER
from offload.management.verbs.jobs.detail import JOB
from offload.management.verbs.jobs.listing import JOBS
from offload.management.verbs.jobs.logs import LOGS
from offload.management.verbs.jobs.remove import REMOVE
from offload.management.verbs.jobs.retry import RETRY
from offload.management.verbs.jobs.stop import STOP
from offload.management.verbs.jobs.submit import SUBMIT
from offload.management.verbs.jobs.transfers import TRANSFERS
from offload.management.verbs.payload import PAYLOAD
from offload.management.verbs.peers.peer_lines import PEERS
from offload.management.verbs.queues import QUEUES
from offload.management.verbs.resources.resource_list import RESOURCES
from offload.management.verbs.rule_actions import ALLOW, DENY, EXCLUSIVE
from offload.management.verbs.rules import RULES
from offload.management.verbs.status import STATUS
from offload.management.verbs.switch import DRAIN, OFF, ON
from offload.management.verbs.topics import TOPICS
from offload.management.verbs.workflows.launch import LAUNCH
from offload.management.verbs.workflows.launchers import LAUNCHERS
from offload.management.verbs.workflows.runs import RUNS
from offload.management.verbs.workflows.workflow_list import WORKFLOWS

VERBS = {
    verb.name: verb
    for verb in (
        STATUS,
        INSTANCES,
        PEERS,
        TOPICS,
        QUEUES,
        RESOURCES,
        RULES,
        CHANGES,
        EXPLAIN,
        SUBMIT,
        JOBS,
        JOB,
        LOGS,
        STOP,
        RETRY,
        REMOVE,
        DELIVER,
        WORKFLOWS,
        RUNS,
        LAUNCH,
        LAUNCHERS,
        ALLOW,
        DENY,
        CLEAR,
        EXCLUSIVE,
        OFF,
        DRAIN,
        ON,
        PAYLOAD,
        TRANSFERS,
        BROKER,
        DOCTOR,
        LINT,
    )
}
