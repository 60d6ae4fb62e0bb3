"""What can be wrong with a backup, each by its name."""

from __future__ import annotations

from plumbing.problem import Problem


class BackupDamaged(Problem):
    """The file is no backup, or was cut short or altered."""

    code = "backup_damaged"
    title = "The backup cannot be used"
    what_to_do = "Use another backup: this one cannot be put back."


class WrongPassphrase(Problem):
    """The passphrase does not open the file."""

    code = "wrong_passphrase"
    title = "The passphrase is not that of this backup"
    what_to_do = "Give the passphrase that the backup was made with."


class PassphraseWeak(Problem):
    """The passphrase can be guessed."""

    code = "passphrase_weak"
    title = "The passphrase is too short"
    what_to_do = "Take a longer passphrase, such as five words."


class BackupNewer(Problem):
    """The backup was made by a later release."""

    code = "backup_newer"
    title = "The backup is of a newer format"
    what_to_do = "Put it back with the release that made it, or a later one."


class BackupInTheWay(Problem):
    """The file that is to be written exists, or is no place for it."""

    code = "backup_in_the_way"
    title = "The backup cannot be written there"
    what_to_do = "Name a file that is not there yet, in a folder that is."


class NothingToBackUp(Problem):
    """There is no state folder there."""

    code = "nothing_to_back_up"
    title = "There is nothing to back up"
    what_to_do = "Name the state folder with --home."


class AnotherAtWork(Problem):
    """Another process makes a backup of this state folder, or puts one back."""

    code = "backup_at_work"
    title = "Another backup or restore is running"
    says = "Wait until it has ended, and start the command again."


class ServerInTheWay(Problem):
    """A server serves the state folder: nothing is put back under it."""

    code = "restore_while_serving"
    title = "A server is running on this state folder"
    says = "Nothing was changed. Stop the server, then put the backup back."
