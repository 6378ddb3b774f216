#!/bin/sh
# Builds dcb from this source tree and installs it. See `./install.sh --help`.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
hello=$here/examples/hello
engines=$here/tests/engines/engines

usage() {
  cat <<'TEXT'
usage: ./install.sh [--prefix DIR] [--binary FILE] [--plugin] [--try]
       ./install.sh [--prefix DIR] --uninstall

Builds dcb from source and installs it to ~/.local/bin, or to DIR/bin, with its manual pages and its
completions for bash, zsh and fish. Run again it updates them.

  --prefix DIR   install below DIR instead of ~/.local
  --binary FILE  install this program instead of building one
  --plugin       also link it into the docker CLI, for `docker dcb`
  --try          then build and start examples/hello, and show what runs
  --uninstall    remove what was installed, and nothing else
  --help         show this

--try uses the Docker engine that answers: that of DOCKER_HOST, of the current docker context, or of
the default socket. Where none does, on Debian as root, it starts a test engine of its own.
The page is on port 8080, or the next that is free; PORT=8090 ./install.sh --try chooses another.
TEXT
}

say() { printf '%s\n' "$*"; }

# fail CODE MESSAGE [REMEDY...]
fail() {
  code=$1
  printf 'install.sh: %s\n' "$2" >&2
  shift 2
  for remedy; do printf '  %s\n' "$remedy" >&2; done
  exit "$code"
}

has() { command -v "$1" >/dev/null 2>&1; }

# A word as a shell reads it back.
quoted() {
  case $1 in
    *[!A-Za-z0-9_./:=@%+-]*) printf "'%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")" ;;
    *) printf '%s' "$1" ;;
  esac
}

# --- build and install ---------------------------------------------------------------------------------------

# at_least HAVE WANT: compares MAJOR.MINOR.
at_least() {
  have_major=${1%%.*} have_rest=${1#*.} want_major=${2%%.*} want_rest=${2#*.}
  have_minor=${have_rest%%.*} want_minor=${want_rest%%.*}
  [ "$have_major" -gt "$want_major" ] || { [ "$have_major" -eq "$want_major" ] && [ "$have_minor" -ge "$want_minor" ]; }
}

require_toolchain() {
  # rustup puts cargo there; a shell that was open before does not know yet.
  if ! has cargo && [ -x "$HOME/.cargo/bin/cargo" ]; then
    PATH=$HOME/.cargo/bin:$PATH
  fi
  wanted=$(sed -n 's/^rust-version *= *"\([0-9.]*\)".*/\1/p' "$here/Cargo.toml")
  has cargo || fail 1 "no cargo found: building dcb needs Rust $wanted or later" \
    "install it: curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh" \
    "then open a new shell and run this again"
  version=$(cd "$here" && cargo --version) || fail 1 "cargo does not run" "rustup default stable"
  version=$(printf '%s\n' "$version" | sed -n 's/^cargo \([0-9]*\.[0-9]*\).*/\1/p')
  if [ -n "$version" ] && ! at_least "$version" "$wanted"; then
    if has rustup; then remedy='rustup update stable && rustup default stable'; else
      remedy="this cargo is $(command -v cargo); a newer one: curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh"
    fi
    fail 1 "cargo $version is too old: building dcb needs Rust $wanted or later" "$remedy"
  fi
  has cc || fail 1 "no C compiler found: Rust links programs with it" \
    "Debian, Ubuntu: sudo apt-get install gcc libc6-dev" \
    "Fedora: sudo dnf install gcc" \
    "macOS: xcode-select --install"
}

build() {
  say "building dcb (a few minutes the first time)"
  target=${CARGO_TARGET_DIR:-$here/target}
  case $target in /*) ;; *) target=$PWD/$target ;; esac
  # Started in the tree so that its toolchain file counts; without CARGO_BUILD_TARGET the place of the result is known.
  (cd "$here" && env -u CARGO_BUILD_TARGET cargo build --release --locked --target-dir "$target") || build_failed
  built=$target/release/dcb
  [ -x "$built" ] || fail 1 "cargo built no $built" "is build.target set in a cargo configuration? unset it"
}

build_failed() {
  # With all crates here this needs no network.
  if (cd "$here" && cargo metadata --offline --locked --format-version 1 >/dev/null 2>&1); then
    fail 1 "the build failed; cargo says why above"
  fi
  fail 1 "the build failed, and not all crates that dcb is made of could be downloaded; cargo says why above" \
    "behind a proxy: export HTTPS_PROXY=http://PROXY:PORT" \
    "without a network, install a program that was built elsewhere: ./install.sh --binary FILE"
}

# --- what is installed: each file and each new directory stands in a list ----------------------------------------

# put FILE PLACE MODE: as a rename, so that a dcb that runs is not disturbed and no half file is ever there.
put() {
  make_directory "$(dirname "$2")"
  fresh=$2.new.$$
  if ! { cp "$1" "$fresh" && chmod "$3" "$fresh" && mv -f "$fresh" "$2"; }; then
    rm -f "$fresh"
    fail 1 "$2 cannot be written"
  fi
  listed "$2"
}

make_directory() {
  [ ! -d "$1" ] || return 0
  make_directory "$(dirname "$1")"
  mkdir "$1" || fail 1 "$1 cannot be made"
  listed "$1/"
}

# Adds a line to the list.
listed() {
  printf '%s\n' "$1" >>"$installed"
}

install_all() {
  if ! writable "$bin"; then
    fail 1 "$bin cannot be written" "choose another place: ./install.sh --prefix DIR" \
      "or copy it yourself: sudo install -m 755 $(quoted "$built") $(quoted "$bin/dcb")"
  fi
  if [ "$plugin" = yes ] && [ "$(readlink "$link" 2>/dev/null)" != "$bin/dcb" ] && { [ -e "$link" ] || [ -L "$link" ]; }; then
    fail 1 "there is another $link" "is it an old one? remove it: rm $(quoted "$link")"
  fi
  installed=$(mktemp)
  trap 'rm -f "$installed"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  [ ! -f "$list" ] || grep '/$' "$list" >>"$installed" || true
  make_directory "${list%/*}"
  put "$built" "$bin/dcb" 755
  put "$here/completions/dcb.bash" "$share/bash-completion/completions/dcb" 644
  put "$here/completions/_dcb" "$share/zsh/site-functions/_dcb" 644
  put "$here/completions/dcb.fish" "$share/fish/vendor_completions.d/dcb.fish" 644
  for page in "$here"/docs/man/*.1; do
    put "$page" "$share/man/man1/${page##*/}" 644
  done
  link_plugin
  # What an older dcb had and this one has not goes. The list comes last: until then the old one counts.
  [ ! -f "$list" ] || while IFS= read -r path; do
    case $path in */) continue ;; esac
    grep -qxF -e "$path" "$installed" || rm -f "$path"
  done <"$list"
  sort -u "$installed" >"$list"
  rm -f "$installed"
  trap - EXIT INT TERM
  say "installed $bin/dcb ($("$bin/dcb" --version)), manual pages, completions for bash, zsh and fish"
  [ "$plugin" = no ] || say "linked $link, for \`docker dcb\`"
  tell_path
}

# Whether a directory, or the first above it that is there, can be written.
writable() {
  directory=$1
  while [ ! -d "$directory" ]; do directory=$(dirname "$directory"); done
  [ -w "$directory" ]
}

# One that was made before stays, with or without --plugin.
link_plugin() {
  [ ! -f "$list" ] || grep '/docker-dcb$' "$list" >>"$installed" || true
  [ "$plugin" = yes ] || return 0
  [ -L "$link" ] || {
    make_directory "${link%/*}"
    ln -s "$bin/dcb" "$link" || fail 1 "$link cannot be made"
  }
  listed "$link"
}

tell_path() {
  shell=${SHELL:-}
  case ${shell##*/} in
    zsh) say "zsh finds the completions with: fpath=($(quoted "$share/zsh/site-functions") \$fpath)        # in ~/.zshrc, before compinit" ;;
  esac
  case :$PATH: in
    *:"$bin":*)
      found=$(command -v dcb || true)
      [ "$found" = "$bin/dcb" ] || say "note: \`dcb\` is $found in this shell, which comes first on PATH"
      return
      ;;
  esac
  shown=$bin
  case $bin in "$HOME"/*) shown="\$HOME/${bin#"$HOME"/}" ;; esac
  say "$bin is not on PATH. Add this line:"
  case ${shell##*/} in
    fish) say "  fish_add_path $(quoted "$bin")        # once, in fish" ;;
    zsh) say "  export PATH=\"$shown:\$PATH\"        # in ~/.zshrc" ;;
    bash) say "  export PATH=\"$shown:\$PATH\"        # in ~/.bashrc" ;;
    *) say "  export PATH=\"$shown:\$PATH\"        # in ~/.profile" ;;
  esac
}

uninstall() {
  if [ ! -f "$list" ] && [ ! -e "$bin/dcb" ]; then
    say "$bin/dcb is not there"
    return
  fi
  # A dcb from before there was a list was one file.
  [ -f "$list" ] || {
    rm -f "$bin/dcb" || fail 1 "$bin/dcb cannot be removed" "sudo rm $(quoted "$bin/dcb")"
    say "removed $bin/dcb"
    return
  }
  removed=$(mktemp)
  sort -r "$list" >"$removed"
  while IFS= read -r path; do
    case $path in
      */) continue ;;
      */docker-dcb) [ "$(readlink "$path" 2>/dev/null)" = "$bin/dcb" ] || continue ;;
    esac
    rm -f "$path" || fail 1 "$path cannot be removed" "sudo rm $(quoted "$path")"
  done <"$removed"
  rm -f "$list"
  # The longest first, so that a directory is empty when its turn comes; what others put there keeps it.
  while IFS= read -r path; do
    case $path in */) rmdir "$path" 2>/dev/null || true ;; esac
  done <"$removed"
  rm -f "$removed"
  say "removed $bin/dcb and all that came with it"
}

# --- --try -----------------------------------------------------------------------------------------------------

# Whether the engine that dcb finds answers.
engine_answers() {
  (cd "$hello" && "$bin/dcb" plan --format json 2>/dev/null) | grep -q '"engine": {'
}

# What a command for people has to begin with, one line each: set by `find_engine`.
prelude=''
ours=no

find_engine() {
  if engine_answers; then
    say "using the Docker engine that answers (${DOCKER_HOST:-the current docker context or the default socket})"
    return
  fi
  say "no Docker engine answers:"
  (cd "$hello" && "$bin/dcb" plan 2>&1 >/dev/null) | sed 's/^/  /'
  if [ "$(id -u)" -ne 0 ] || [ ! -e /etc/debian_version ] || [ ! -x "$engines" ]; then
    fail 3 "nothing to try dcb on" "start Docker, or point DOCKER_HOST at an engine, and run this again" \
      "on Debian as root, a test engine is started for you"
  fi
  say "starting a test engine: tests/engines/engines up trixie"
  "$engines" up trixie >/dev/null ||
    fail 3 "the test engine did not start" "start Docker, or point DOCKER_HOST at an engine, and run this again"
  eval "$("$engines" env trixie)"
  prelude="eval \"\$($(quoted "$engines") env trixie)\""
  ours=yes
  engine_answers || fail 3 "the test engine does not answer" "$(quoted "$engines") status"
}

# Prints a page, waiting a little for it.
fetch() {
  tries=0
  while [ "$tries" -lt 15 ]; do
    if has curl; then
      curl -fsS --noproxy '*' --max-time 2 "$1" 2>/dev/null && return
    else
      wget -q --no-proxy -T 2 -O - "$1" 2>/dev/null && return
    fi
    tries=$((tries + 1))
    sleep 1
  done
  return 1
}

# The port is free, or the page on it is ours.
port_is_ours() {
  has curl || return 0
  page=$(curl -s --noproxy '*' --max-time 2 "http://$address:$1/") && status=0 || status=$?
  case $status in
    7) return 0 ;; # connection refused
    *) case $page in *"<title>hello</title>"*) return 0 ;; *) return 1 ;; esac ;;
  esac
}

choose_port() {
  [ -z "${PORT:-}" ] || return 0
  port=8080
  while ! port_is_ours "$port"; do
    port=$((port + 1))
    [ "$port" -lt 8100 ] || fail 1 "no free port from 8080 to 8099" "PORT=9000 ./install.sh --try"
  done
  [ "$port" -eq 8080 ] || { PORT=$port && export PORT && say "port 8080 is taken: using $port"; }
}

try() {
  find_engine
  address=127.0.0.1
  case ${DOCKER_HOST:-} in tcp://*) address=$(printf '%s' "${DOCKER_HOST#tcp://}" | sed 's/:[0-9]*$//') ;; esac
  choose_port
  cd "$hello"
  say
  say "\$ cd $(quoted "$hello")"
  say "\$ ${PORT:+PORT=$PORT }dcb up --detached"
  "$bin/dcb" up --detached || {
    status=$?
    fail "$status" "dcb ended with exit code $status: docs/exit-codes.md explains it"
  }
  say
  say '$ dcb ps'
  "$bin/dcb" ps
  say
  if has curl || has wget; then
    url=http://$address:${PORT:-8080}/
    say "\$ $(if has curl; then say "curl $url"; else say "wget -q -O - $url"; fi)"
    fetch "$url" || fail 1 "the page does not come" "(cd $(quoted "$hello") && $(quoted "$bin/dcb") logs)"
  else
    say '$ dcb exec -T greeter wget -q -O - http://web:8080/'
    "$bin/dcb" exec -T greeter wget -q -O - http://web:8080/
  fi
  say
  say 'To look further, and to take it down:'
  [ -z "$prelude" ] || say "  $prelude"
  say "  cd $(quoted "$hello")"
  say "  $(quoted "$bin/dcb") logs"
  say "  $(quoted "$bin/dcb") down"
  [ "$ours" = no ] || say "  $(quoted "$engines") down trixie        # the test engine too; \`purge\` instead of \`down trixie\` frees its disk space"
}

# --- main --------------------------------------------------------------------------------------------------------

: "${HOME:?is not set}"
prefix=$HOME/.local
action=install
attempt=no
plugin=no
built=''
while [ $# -gt 0 ]; do
  case $1 in
    --prefix)
      [ $# -ge 2 ] || fail 2 "--prefix needs a directory"
      prefix=$2
      shift
      ;;
    --prefix=*) prefix=${1#--prefix=} ;;
    --binary)
      [ $# -ge 2 ] || fail 2 "--binary needs a file"
      built=$2
      shift
      ;;
    --binary=*) built=${1#--binary=} ;;
    --plugin) plugin=yes ;;
    --try) attempt=yes ;;
    --uninstall) action=uninstall ;;
    -h | --help)
      usage
      exit
      ;;
    *)
      usage >&2
      fail 2 "unknown argument: $1"
      ;;
  esac
  shift
done
[ -n "$prefix" ] || fail 2 "--prefix needs a directory"
case $prefix in /*) ;; *) prefix=$PWD/$prefix ;; esac
prefix=${prefix%/}
bin=$prefix/bin
share=$prefix/share
# What is installed, one path a line, directories with a `/` behind them.
list=$share/dcb/installed
link=${DOCKER_CONFIG:-$HOME/.docker}/cli-plugins/docker-dcb
case $link in /*) ;; *) link=$PWD/$link ;; esac

if [ "$action" = uninstall ]; then
  [ "$attempt$plugin$built" = nono ] || fail 2 "--uninstall goes with --prefix only"
  uninstall
  exit
fi
# An archive of a release has the program beside this script.
[ -n "$built" ] || [ -e "$here/Cargo.toml" ] || built=$here/dcb
if [ -z "$built" ]; then
  require_toolchain
  build
elif [ ! -f "$built" ] || [ ! -x "$built" ] || ! "$built" --version >/dev/null 2>&1; then
  fail 1 "$built is no dcb that runs here"
fi
install_all
[ "$attempt" = no ] || try
