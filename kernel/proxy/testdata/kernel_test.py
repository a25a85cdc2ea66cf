"""jupyter_kernel_test, the conformance test for Jupyter kernels. The kernel's name is in KERNEL_NAME."""

import os
import unittest

import jupyter_kernel_test
from jupyter_client.manager import start_new_kernel
from jupyter_kernel_test.msgspec_v5 import validate_message


def patient(get_msg):
    """A channel's get_msg that waits until a message comes: whoever runs this program ends it when none does."""
    return lambda timeout=None: get_msg()


class Patient:
    """Makes jupyter_kernel_test wait, which gives up after a second or less, and tell by the kernel's own word, not by a
    silence, that what was sent before has come."""

    @classmethod
    def setUpClass(cls):
        cls.km, cls.kc = start_new_kernel(kernel_name=cls.kernel_name, startup_timeout=24 * 3600)
        for channel in (cls.kc.shell_channel, cls.kc.iopub_channel):
            channel.get_msg = patient(channel.get_msg)

    def flush_channels(self):
        def last(channel, types):
            while True:
                msg = channel.get_msg()
                validate_message(msg)
                if msg["parent_header"].get("msg_id") == mine and msg["msg_type"] in types and msg["content"].get("execution_state") != "busy":
                    return

        mine = self.kc.kernel_info()
        last(self.kc.iopub_channel, ["status"])
        last(self.kc.shell_channel, ["kernel_info_reply"])


class KernelTests(Patient, jupyter_kernel_test.KernelTests):
    kernel_name = os.environ["KERNEL_NAME"]
    language_name = "go"
    file_extension = ".go"

    code_hello_world = '%%\nfmt.Println("hello, world")'
    code_stderr = '%%\nfmt.Fprintln(os.Stderr, "oops")'

    completion_samples = [
        {"text": "%%\nfmt.Printl", "matches": {"Println"}},
        {"text": "%lx he", "matches": {"help"}},
    ]

    complete_code_samples = ["var x = 1", "x := 1", "1+1", '%%\nfmt.Println("a")', "func f() {\n}", "!ls", "%env A b"]
    incomplete_code_samples = ["func f() {", "%%\nfmt.Println(", "var s = `one", "!ls \\", "var x = 1 +", "for {", "x :="]
    invalid_code_samples = ["func f() }", "var 1 = 2", "%%\nif {\n}", "x := := 1"]

    code_generate_error = 'var x int = "text"'
    code_execute_result = [
        {"code": "1+2+3", "result": "6"},
        {"code": "var y = 12\ny", "result": "12"},
        {"code": "%%\nstrings.Split(\"a b\", \" \")", "result": '["a" "b"]'},
    ]
    code_display_data = [{"code": "%help", "mime": "text/markdown"}]
    code_inspect_sample = "%%\nfmt.Println"
    code_history_pattern = "*1?2*"
    supported_history_operations = ("tail", "range", "search")

    def test_pager(self):
        self.skipTest("the kernel has no pager")

    def test_clear_output(self):
        self.skipTest("GoNB passes on no message that clears outputs; what changes in place is displayed under the same id")


class IopubWelcomeTests(jupyter_kernel_test.IopubWelcomeTests):
    kernel_name = os.environ["KERNEL_NAME"]
    support_iopub_welcome = True


if __name__ == "__main__":
    unittest.main()
