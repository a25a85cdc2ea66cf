"""jupyter_kernel_test, the conformance test for Jupyter kernels. The kernel's name is in KERNEL_NAME."""

import os
import unittest

import jupyter_kernel_test


class KernelTests(jupyter_kernel_test.KernelTests):
    kernel_name = os.environ["KERNEL_NAME"]
    language_name = "go"
    file_extension = ".go"

    code_hello_world = '%%\nfmt.Println("hello, world")'
    code_stderr = '%%\nfmt.Fprintln(os.Stderr, "oops")'

    completion_samples = [
        {"text": "%%\nfmt.Printl", "matches": {"Println"}},
        {"text": "%lx he", "matches": {"help"}},
    ]

    complete_code_samples = ["var x = 1", '%%\nfmt.Println("a")', "func f() {\n}", "!ls", "%env A b"]
    incomplete_code_samples = ["func f() {", "%%\nfmt.Println(", "var s = `one", "!ls \\", "var x = 1 +"]
    invalid_code_samples = ["func f() }", "var 1 = 2", "%%\nif {\n}"]

    code_generate_error = 'var x int = "text"'
    # test_history runs these; see test_execute_result.
    code_execute_result = [{"code": "%%\nfmt.Print(1+2+3)"}, {"code": "%%\nfmt.Print(12)"}, {"code": "var y = 1"}]
    code_display_data = [{"code": "%help", "mime": "text/markdown"}]
    code_inspect_sample = "%%\nfmt.Println"
    code_history_pattern = "*1?2*"
    supported_history_operations = ("tail", "range", "search")

    def test_execute_result(self):
        self.skipTest("cells are statements and have no result: they print and display")

    def test_pager(self):
        self.skipTest("the kernel has no pager")

    def test_clear_output(self):
        self.skipTest("GoNB passes on no message that clears outputs; what changes in place is displayed under the same id")


class IopubWelcomeTests(jupyter_kernel_test.IopubWelcomeTests):
    kernel_name = os.environ["KERNEL_NAME"]
    support_iopub_welcome = True


if __name__ == "__main__":
    unittest.main()
