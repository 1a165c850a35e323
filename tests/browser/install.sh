#!/bin/sh
# Install axe-core, Lighthouse and Chromium for the browser tests where that is allowed; without
# them they skip.
.venv/bin/python -m tests.browser.packages
command -v chromium >/dev/null || command -v chromium-browser >/dev/null || [ -n "$CHROMIUM" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing Chromium for the browser tests."
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core; } \
        >/dev/null 2>&1 && exit 0
fi
.venv/bin/python -m playwright install chromium >/dev/null 2>&1 ||
    echo "Chromium could not be installed: the browser tests will say that they are skipped."
exit 0
