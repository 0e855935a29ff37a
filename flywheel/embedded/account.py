"""Who the servers run as. Root cannot run PostgreSQL, so root hands them to an ordinary user."""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from flywheel.embedded.errors import EmbeddedError
from flywheel.embedded.paths import servers_dir, short_name

SERVICE_USER = "nobody"
FALLBACK = Path("/var/lib/flywheel")  # every user may pass through /var/lib


@dataclass(frozen=True)
class Account:
    """A user's numeric ids."""

    uid: int
    gid: int

    def reaches(self, path: Path) -> bool:
        """Whether this user may pass through every folder above `path`."""
        return all(self._may_enter(folder) for folder in path.resolve().parents)

    def _may_enter(self, folder: Path) -> bool:
        status = folder.stat()
        if status.st_uid == self.uid:
            return bool(status.st_mode & stat.S_IXUSR)
        if status.st_gid == self.gid:
            return bool(status.st_mode & stat.S_IXGRP)
        return bool(status.st_mode & stat.S_IXOTH)

    def own(self, folder: Path) -> Path:
        """Make `folder` (mode 0700) and give it to this user; returns it."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.stat().st_uid != self.uid:
            os.chown(folder, self.uid, self.gid)
        folder.chmod(0o700)
        return folder


def current() -> Account:
    """Who this process is."""
    return Account(os.geteuid(), os.getegid())


def nobody() -> Account:
    """The user that runs the servers when root starts them."""
    entry = pwd.getpwnam(SERVICE_USER)
    return Account(entry.pw_uid, entry.pw_gid)


def prepare_home(var: Path) -> tuple[Path, Account]:
    """Make the servers' folder and say who runs them: (its real path, the user).

    Started by root, they run as the folder's owner, or as `nobody` when it is new. When that user cannot pass
    through to `var` (a checkout under /root), the folder is made under /var/lib/flywheel and `var` holds a link.
    Raises EmbeddedError when the folder belongs to another user.
    """
    link = servers_dir(var)
    link.parent.mkdir(parents=True, exist_ok=True)
    if current().uid != 0:
        _refuse_foreign(link)
        return current().own(link).resolve(), current()
    account = _owner(link) or nobody()
    if link.is_symlink():
        return account.own(link.readlink()).resolve(), account
    if account.reaches(link):
        return account.own(link).resolve(), account
    home = FALLBACK / short_name(var)
    home.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    link.symlink_to(home)
    return account.own(home), account


def _owner(link: Path) -> Account | None:
    """The ordinary user that the existing folder belongs to, if any."""
    if not link.exists() or link.stat().st_uid == 0:
        return None
    return Account(link.stat().st_uid, link.stat().st_gid)


def _refuse_foreign(link: Path) -> None:
    if link.is_symlink() or (link.exists() and link.stat().st_uid != current().uid):
        raise EmbeddedError(
            f"{link} was made by another user (root?). Start as that user, or set VAR_DIR to a folder of your own."
        )


def prepare_sockets(folder: Path, account: Account) -> Path:
    """Make the sockets' folder for `account` alone; returns its real path.

    Raises EmbeddedError when somebody else made it first (it may lie in /tmp).
    """
    if folder.is_symlink() or (folder.exists() and folder.stat().st_uid not in {account.uid, current().uid}):
        raise EmbeddedError(f"{folder} belongs to another user: remove it, or set VAR_DIR to a shorter path.")
    return account.own(folder).resolve()
