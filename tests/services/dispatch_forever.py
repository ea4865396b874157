"""Dispatch for ever on an embedded host; killed by the crash test. usage: dispatch_forever.py FOLDER GRAPH_URL"""

import sys
import threading

from whatsapp_integration.core.config import Limits
from whatsapp_integration.host.local import LocalHost
from whatsapp_integration.services.dispatcher import Dispatcher

folder, graph_url = sys.argv[1:]
host = LocalHost(folder, overrides={"graph_url": graph_url, "limits": Limits()})
Dispatcher(host, threads=16, lease_seconds=0.5).run(threading.Event())
