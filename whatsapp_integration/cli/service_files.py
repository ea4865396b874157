"""What makes a process manager keep the worker running: printed, never written, since these files belong to the admin."""

from __future__ import annotations

import getpass
import os
import re
import shlex

STOP_SECONDS = 25  # the worker ends within 20 of SIGTERM; then it may be killed

_PROCFILE = """\
# A line for the Procfile of the bench: bench start runs it with everything else.
{name}: {command}
"""

_SUPERVISOR = """\
# Save it as /etc/supervisor/conf.d/{name}.conf, then run: supervisorctl reread && supervisorctl update
[program:{name}]
command={command}
directory={folder}
user={user}
autostart=true
autorestart=true
startsecs=5
stopsignal=TERM
stopwaitsecs={stop_seconds}
redirect_stderr=true
{log}"""

_SYSTEMD = """\
# Save it as /etc/systemd/system/{name}.service, then run: systemctl daemon-reload && systemctl enable --now {name}
[Unit]
Description=WhatsApp worker: linked phones and the sending of messages
After=network-online.target mariadb.service redis-server.service
Wants=network-online.target

[Service]
User={user}
WorkingDirectory={folder}
ExecStart={command}
Restart=always
RestartSec=5
KillMode=mixed
TimeoutStopSec={stop_seconds}

[Install]
WantedBy=multi-user.target
"""

TEMPLATES = {"procfile": _PROCFILE, "supervisor": _SUPERVISOR, "systemd": _SYSTEMD}


def describe(manager: str, command: list[str], *, folder: str, site: str = "", logs: str = "") -> str:
	"""The snippet of a process manager, one of TEMPLATES, for a command that runs in `folder` as the present user.

	`logs` is the folder of its log, where the manager keeps none of its own.
	"""
	name = re.sub(r"[^A-Za-z0-9_-]", "-", f"whatsapp-worker-{site}").strip("-")
	spelled = shlex.join(command)
	return TEMPLATES[manager].format(
		name=name,
		command=spelled if manager == "procfile" else spelled.replace("%", "%%"),
		log=f"stdout_logfile={os.path.abspath(logs)}/{name}.log\n" if logs else "",
		folder=os.path.abspath(folder),
		user=getpass.getuser(),
		stop_seconds=STOP_SECONDS,
	)
