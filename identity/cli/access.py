"""`usual access`: the answer to a customer's written request, without anybody seeing a face or a name."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from identity.cli.commands import NotWiredHere, open_half, pack_option
from identity.errors import CustomerLeft, EnrolmentUnknown
from plumbing.access.token_keys import TokenKeys
from plumbing.cli import FILE, errors_as_one_line, home_option, tenant_option
from plumbing.clock import system_clock
from plumbing.problem import Problem
from plumbing.storage.files import write_atomic


@click.command()
@home_option
@tenant_option
@pack_option
@click.argument("receipt")
@click.option("--out", type=FILE, help="Write the file here, whole or not at all; standard output if left out.")
def access(home: Path, tenant: str, pack: str, receipt: str, out: Path | None) -> None:
    """Put together what is held about the holder of RECEIPT, as the customer's own page gives it (GET /v1/me).

    For a written request: the letter names the code, the answer is this file. The audit log notes it, and the
    customer sees it on their page. With `-` in place of RECEIPT the code is read from standard input.
    """
    receipt = sys.stdin.readline().strip() if receipt == "-" else receipt
    with errors_as_one_line(Problem):
        try:
            held = _held(home, tenant, pack, receipt)
        except EnrolmentUnknown as error:
            raise click.ClickException(
                f"No customer in {home} has this receipt code. Check the code, --home and --tenant before you"
                " answer that nothing is held. Who opted out before has no code any more."
            ) from error
    content = json.dumps(held, indent=2, ensure_ascii=False) + "\n"
    if held["recommender"] is None:
        click.echo(
            "The recommender's part is missing: no database here, and USUAL_RECOMMENDER_URL is not set.", err=True
        )
    if out is None:
        click.echo(content, nl=False)
        return
    with errors_as_one_line(OSError):
        write_atomic(out, content.encode(), mode=0o600)
    click.echo(f"What is held is in {out}. Whoever reads it reads a person's history: send it to them alone.")


def _held(home: Path, tenant: str, pack: str, receipt: str) -> dict[str, Any]:
    """The whole file. Raises a Problem, and then nothing was written."""
    context = click.get_current_context(silent=True)
    known = (context.find_object(dict) if context else None) or {}
    if "own_history" not in known:
        raise NotWiredHere("This command runs as `usual access` only.")
    half = open_half(home, pack)
    try:
        row = half.own_page.page.holder(tenant, receipt)
        accounts = half.service.customers.accounts
        account = None if row is None else accounts.find(tenant, row.customer_id)
        if row is None or account is None:
            raise EnrolmentUnknown
        mine = half.own_page.held_by(account)
        token = half.own_page.page.session(account, "second_factor").token
        try:
            theirs = known["own_history"](home, TokenKeys(home, system_clock))(token)
        finally:
            if accounts.find(tenant, row.customer_id) is None:
                raise CustomerLeft  # whatever the other half said or did not say
        half.audit.note(tenant, "access", "by_staff", account.links.audit, sync=True)
        whole: dict[str, Any] = known["export_of"](mine, theirs, system_clock())
        return whole
    finally:
        half.close()
