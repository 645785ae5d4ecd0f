"""The commands of ``endface-build``, each in the file that is named as the folder that does its work."""

from __future__ import annotations

import typer

from endface_build.commands import evaluation, export, foreign, learn, review, rollout, training

HELP = "The network's life: each step alone, or drawing to quantizing at once by `model`."

app = typer.Typer(help=HELP, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.command()(training.synth)
app.command()(training.train)
app.command()(training.model)
app.command("export")(export.export)
app.command()(export.convert)
app.command()(export.quantize)
app.command()(export.plan)
app.command("import")(foreign.import_)
app.command()(evaluation.evaluate)
app.command()(evaluation.gage)
app.command()(evaluation.accuracy)
app.command()(evaluation.page)
app.command()(rollout.promote)
app.command()(rollout.rollback)
app.command()(rollout.provision)
app.command()(learn.learn)
app.add_typer(review.app, name="review")
