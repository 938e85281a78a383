"""The Python peer of `tests/clients/matrix` calls itself."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import unittest
from pathlib import Path

PEER = str(Path(__file__).resolve().parents[4] / "tests" / "clients" / "matrix" / "py_peer.py")
PATIENCE = 60


class Matrix(unittest.IsolatedAsyncioTestCase):
    async def test_all_cases_pass(self) -> None:
        pipe = asyncio.subprocess.PIPE
        start = asyncio.create_subprocess_exec
        serving = await start(sys.executable, PEER, "serve", "ws://127.0.0.1:0",
                              stdin=pipe, stdout=pipe, env=os.environ)
        try:
            assert serving.stdout is not None and serving.stdin is not None
            line = await asyncio.wait_for(serving.stdout.readline(), PATIENCE)
            url = json.loads(line)["listening"]
            calling = await start(sys.executable, PEER, "call", url, stdout=pipe, env=os.environ)
            out, _ = await asyncio.wait_for(calling.communicate(), PATIENCE)
            said = [json.loads(line) for line in out.splitlines()]
            self.assertEqual([case for case in said if not case["ok"]], [])
            self.assertEqual((len(said), calling.returncode), (17, 0))
            serving.stdin.close()
            self.assertEqual(await asyncio.wait_for(serving.wait(), PATIENCE), 0)
        finally:
            if serving.returncode is None:
                serving.kill()
            await serving.communicate()


if __name__ == "__main__":
    unittest.main()
