"""What the documents name exists, verbs and options as the built program tells them."""
import pathlib
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


class Documents(unittest.TestCase):
    def test_commands_files_and_options_exist(self):
        done = subprocess.run([ROOT / "scripts/check-docs"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertNotIn("not checked", done.stdout)


if __name__ == "__main__":
    unittest.main()
