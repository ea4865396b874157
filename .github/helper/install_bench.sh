#!/usr/bin/env bash
# Make ~/frappe-bench with Frappe and this app, for the services of ci.yml: install_bench.sh FRAPPE_BRANCH
set -euo pipefail

branch="$1"
bench="$HOME/frappe-bench"

# mysqlclient, which Frappe 16 needs, is built from source.
sudo apt-get update -qq
sudo apt-get install -y -qq libmariadb-dev pkg-config

pip install --quiet frappe-bench
bench init "$bench" --frappe-branch "$branch" --python "$(command -v python)" \
	--skip-redis-config-generation --skip-assets

cd "$bench"
bench set-config -g db_host 127.0.0.1
bench set-config -g redis_cache redis://127.0.0.1:13000
bench set-config -g redis_queue redis://127.0.0.1:11000
bench set-config -g redis_socketio redis://127.0.0.1:13000
bench setup requirements --dev
bench get-app --skip-assets whatsapp_integration "$GITHUB_WORKSPACE"

# Packages that Frappe 15 stands on import pkg_resources.
env/bin/python -m pip --version >/dev/null 2>&1 || env/bin/python -m ensurepip
env/bin/python -m pip install --quiet "setuptools<81"

bench build
