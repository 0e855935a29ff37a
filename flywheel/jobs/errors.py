"""How a handler ends other than well."""


class JobFailed(Exception):
    """The work cannot be done, for a reason that its person can mend; the message is shown to them as it stands."""


class JobLost(Exception):
    """Another worker has taken the job over: this one must commit nothing more."""
