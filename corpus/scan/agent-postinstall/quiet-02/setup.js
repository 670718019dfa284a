require('fs').chmodSync('bin/x', 0o755)
