"""Errors for invalid values; nothing is stored."""

from __future__ import annotations

from offload.core.exceptions.base import OffloadError

#: The problem that a property has the name of the parameter that is given the job.
ITSELF = "that is the name of the job itself"


class InvalidTopic(OffloadError, ValueError):
    """A topic is segments of letters, digits, `_` and `-` joined by `/`."""

    def __init__(self, *, topic: object, problem: str, instead: str = "") -> None:
        self.topic = topic
        self.problem = problem
        self.instead = instead or (
            "Write segments of letters, digits, '_' and '-' joined by '/', such as "
            "'dam/rendition/web'."
        )
        super().__init__(f"{topic!r:.300} is not a topic: {problem}. {self.instead}")


class InvalidPattern(OffloadError, ValueError):
    """A pattern is `a/b`, `a/*`, `a/**` or `**`."""

    def __init__(self, *, pattern: object, problem: str) -> None:
        self.pattern = pattern
        self.problem = problem
        super().__init__(
            f"{pattern!r:.300} is not a pattern: {problem}. Write 'a/b' for one topic, 'a/*' for "
            "one more segment, 'a/**' for one or more, or '**' for everything."
        )


class InvalidProperties(OffloadError, ValueError):
    """The properties of a job are JSON: text keys, finite numbers, lists, true, false, null."""

    def __init__(self, *, path: str, problem: str) -> None:
        self.path = path
        self.problem = problem
        super().__init__(f"{path} {problem}. Pass plain JSON, and put large data into files.")


class UnfitProperties(InvalidProperties):
    """No consumer of the topic takes properties of these names."""

    def __init__(self, *, topic: str, problem: str) -> None:
        self.topic = topic
        self.path = "properties"
        self.problem = problem
        why = problem if problem.endswith("?") else f"{problem}."
        # Of such a name no code can have a property.
        instead = (
            "Pass the property under another name."
            if problem.endswith(ITSELF)
            else "Pass the names that its function takes, or restart the workers with code that "
            "takes these."
        )
        message = f"The consumer of {topic} {why} Nothing was stored. {instead}"
        OffloadError.__init__(self, message)


class InvalidApp(OffloadError, TypeError):
    """offload can only be installed into a Celery app."""

    def __init__(self, *, app: object) -> None:
        self.app = app
        super().__init__(
            f"{app!r:.300} is not a Celery app. In the module that makes the app, write "
            "app = Celery('project'), configure it, and then call offload.install(app)."
        )


class InvalidConsumer(OffloadError, TypeError):
    """A function cannot be a consumer."""

    def __init__(self, *, name: str, problem: str) -> None:
        self.name = name
        self.problem = problem
        super().__init__(f"{name} cannot be run as a job: {problem}")


class InvalidDelay(OffloadError, ValueError):
    """A delay is a number of seconds or a duration, zero or more, and has an end."""

    def __init__(self, *, delay: object, most: int, name: str = "delay") -> None:
        self.delay = delay
        self.most = most
        self.name = name
        super().__init__(
            f"{delay!r:.300} is not a {name}. Pass seconds or a timedelta, zero or more, "
            f"at most {most} seconds (ten years)."
        )


class InvalidDelivery(OffloadError, ValueError):
    """A delivery names outputs and a place for them that exists."""

    def __init__(self, *, name: object, problem: str) -> None:
        self.name = name
        self.problem = problem
        super().__init__(
            f"The output {name!r:.300} cannot be delivered: {problem.rstrip('.')}. Pass "
            "deliver_to={'48.png': offload.ToField(asset, 'thumbnail')}, or "
            "offload.ToStorage('default', 'assets/{job.id}/')."
        )


class InvalidPriority(OffloadError, ValueError):
    """A priority is an integer that the database can hold."""

    def __init__(self, *, priority: object, least: int, most: int) -> None:
        self.priority = priority
        self.least = least
        self.most = most
        super().__init__(
            f"{priority!r:.300} is not a priority. Pass an integer from {least} to {most}; "
            "higher runs earlier."
        )


class InvalidNumber(OffloadError, ValueError):
    """A number is not within its bound."""

    def __init__(self, *, name: str, value: object, allowed: str) -> None:
        self.name = name
        self.value = value
        self.allowed = allowed
        super().__init__(f"{value!r:.300} cannot be `{name}`. Pass {allowed}.")


class InvalidId(OffloadError, ValueError):
    """A job is named by its handle or its id."""

    def __init__(self, *, job: object, problem: str) -> None:
        self.job = job
        self.problem = problem
        super().__init__(
            f"{job!r:.300} names no job: {problem}. Pass the handle that submit() returned, "
            "or its id as text."
        )


class InvalidValue(OffloadError, ValueError):
    """A job's result must be one that its row and the result backend can store."""

    def __init__(self, *, kind: str, problem: str) -> None:
        self.kind = kind
        self.problem = problem
        super().__init__(
            f"The result, of type {kind}, cannot be stored: {problem:.300}. Return plain JSON "
            "(text, numbers, lists, dicts with text as keys), and put large data into files, by "
            "job.outputs.add(name, data)."
        )


class InvalidFile(OffloadError, TypeError):
    """A file is given by its path, its bytes, or open for reading bytes."""

    def __init__(self, *, name: object, problem: str, instead: str = "") -> None:
        self.name = name
        self.problem = problem
        self.instead = instead or (
            "Pass a path, bytes, or a file that was opened for reading bytes, with 'rb'."
        )
        what = "`files`" if name is None else f"The file {name!r:.300}"
        super().__init__(f"{what} cannot be taken: {problem}. {self.instead}")


class InvalidName(OffloadError, ValueError):
    """A file of a payload has a name that is no path, and that clashes with no other name."""

    def __init__(self, *, name: object, problem: str) -> None:
        self.name = name
        self.problem = problem
        super().__init__(
            f"{name!r:.300} cannot name a file of a payload: {problem}. "
            "Use a name such as 'original.jpg' or 'renditions/48.png'."
        )


class InvalidProgram(OffloadError, TypeError):
    """A program is given as a list: its name or path, then its arguments."""

    def __init__(self, *, problem: str) -> None:
        self.problem = problem
        super().__init__(
            f"The program cannot be run: {problem}. Write a list of texts, numbers, paths and "
            "inputs: job.run_program(['convert', job.inputs['original'], '48.png'])."
        )


class InvalidProperty(OffloadError, ValueError):
    """A property of an instance has a plain name, and is a number, a text, true, false or null."""

    def __init__(self, *, name: object, problem: str) -> None:
        self.name = name
        self.problem = problem
        super().__init__(
            f"{name!r:.120} cannot be a property of an instance: {problem}. Give it a name such as "
            "'gpu.memory' and a function that returns a number, a short text, True, False or None."
        )


class InvalidToken(OffloadError, ValueError):
    """A token is the text that `job.hand_over()` returned."""

    # The text is not shown: whoever has it may end the job.
    def __init__(self, *, problem: str) -> None:
        self.problem = problem
        super().__init__(
            f"This is not the token of a job that was handed over: {problem}. "
            "Pass the text that job.hand_over() returned, unchanged."
        )


class InvalidRule(OffloadError, ValueError):
    """A rule names instances by a nodename, a glob or a label; a switch names one."""

    def __init__(self, *, target: object, problem: str) -> None:
        self.target = target
        self.problem = problem
        super().__init__(
            f"The rule for {target!r:.120} is invalid: {problem} Nothing was changed. "
            "Name one instance, or choose the scope glob or label."
        )


class InvalidSwitch(OffloadError, ValueError):
    """A switch of other clusters cannot be set so."""

    def __init__(self, *, switch: str, problem: str) -> None:
        self.switch = switch
        self.problem = problem
        super().__init__(
            f"The switch {switch!r:.120} was not set: {problem} Nothing was changed. Write a "
            "shorter note, without control characters."
        )


class InvalidQueue(OffloadError, ValueError):
    """A queue has a name, patterns of topics, and numbers within their bounds."""

    def __init__(self, *, name: str, problem: str) -> None:
        self.name = name
        self.problem = problem
        super().__init__(f"The queue {name!r:.120} is invalid: {problem}")
