"""Times cells in several kernels in turn. Reads {"kernels": {...}, "rows": {...}, "rounds": n}, writes a line of JSON for each cell."""

import json
import sys
import time

from jupyter_client.manager import KernelManager


def run(client, code):
    begin = time.perf_counter()
    reply = client.execute_interactive(code, output_hook=lambda message: None, timeout=300, allow_stdin=False)
    took = time.perf_counter() - begin
    if reply["content"]["status"] != "ok":
        raise SystemExit(f"cell {code!r} failed: {reply['content'].get('evalue')}")
    return took


def report(kernel, row, seconds):
    print(json.dumps({"kernel": kernel, "row": row, "seconds": seconds}), flush=True)


ask = json.load(sys.stdin)
clients = {}
managers = []
try:
    for name, kernel in ask["kernels"].items():
        begin = time.perf_counter()
        manager = KernelManager(kernel_name=kernel["spec"])
        manager.start_kernel(stderr=open("/dev/null", "w"))
        managers.append(manager)
        client = manager.client()
        client.start_channels()
        client.wait_for_ready(timeout=120)
        report(name, "start", time.perf_counter() - begin)
        for code in kernel["setup"]:
            run(client, code)
        report(name, "first cell", run(client, "%%\nfmt.Println(0)"))
        clients[name] = client
    for row, code in ask["rows"].items():
        for n in range(-1, ask["rounds"]):
            for name, client in clients.items():
                seconds = run(client, code.replace("{n}", str(n + 100)))
                if n >= 0:  # the first compiles what it imports
                    report(name, row, seconds)
finally:
    for client in clients.values():
        client.stop_channels()
    for manager in managers:
        manager.shutdown_kernel()  # killed at once, GoNB would leave its gopls behind
