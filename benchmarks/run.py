"""Measure the speed and print tables: `make bench`, or `make bench ARGS="dispatcher --messages 20000"`.

Machines are noisy, so each figure stands beside a baseline that was measured in the same run.
"""

from __future__ import annotations

import argparse

import dispatcher
import linked
import webhook
from rich.console import Console


def main() -> None:
	parser = argparse.ArgumentParser(description=__doc__)
	parser.add_argument("what", nargs="*", choices=["dispatcher", "webhook", "linked", []], default=[])
	parser.add_argument("--messages", type=int, default=20_000, help="messages of the dispatcher run")
	parser.add_argument("--seconds", type=float, default=4, help="length of each webhook round")
	parser.add_argument("--rounds", type=int, default=6, help="webhook rounds, each beside its baseline")
	parser.add_argument(
		"--site", help="a site of the bench with the app installed (default: the bench's own)"
	)
	parser.add_argument("--alone", type=int, default=100, help="messages of the linked run that go alone")
	parser.add_argument("--rest", type=float, default=30, help="seconds for which linked phones rest")
	options = parser.parse_args()
	console = Console()
	if not options.what or "dispatcher" in options.what:
		console.print(dispatcher.measure(options.messages))
	if not options.what or "webhook" in options.what:
		console.print(webhook.measure(options.site, options.seconds, options.rounds))
	if not options.what or "linked" in options.what:
		console.print(linked.measure(options.rest, options.alone))


if __name__ == "__main__":
	main()
