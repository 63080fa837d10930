"""`kzrules completion SHELL`: the script that makes a shell complete verbs, options and paths."""

import click
from click.shell_completion import get_completion_class

from kzrules.cli.command import VERBS, Verbs


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    r"""Print the completion script of a shell.

    \b
    bash   kzrules completion bash > ~/.local/share/bash-completion/completions/kzrules
    zsh    kzrules completion zsh > "${fpath[1]}/_kzrules"
    fish   kzrules completion fish > ~/.config/fish/completions/kzrules.fish
    """
    completion = get_completion_class(shell)
    assert completion is not None, VERBS  # noqa: S101  click knows the three choices above
    click.echo(completion(Verbs("kzrules"), {}, "kzrules", "_KZRULES_COMPLETE").source())
