#!/bin/sh
# Writes .env, aerodag.env and secrets/ with random secrets; what is there already stays, what is new is added.
# Environment: SITE (name that people use), ACME (e-mail address for certificates), PROFILES, DATA_ROOT.
set -eu
cd "$(dirname "$0")/.."
umask 077

[ "$(id -u)" = 0 ] && uid=1000 gid=1000 || uid=$(id -u) gid=$(id -g)
if [ "$(id -u)" = 0 ]; then home=/srv/aerodag; else home=$HOME/aerodag; fi
socket=${DOCKER_SOCKET:-/var/run/docker.sock}
profiles=${PROFILES:-}

forget() { # lines, so that they are filled again as it is wished now
    [ ! -f .env ] || sed -i "\,^\($1\)\$,d" .env
}
has() { [ -f .env ] && grep -q "^$1=" .env; }
value() { sed -n "s/^$1=//p" .env | tail -n 1; }
secret() { od -A n -t x1 -N 32 /dev/urandom | tr -d ' \n'; }
key() { # a pair of SSH keys, made once
    mkdir -p secrets
    [ -f "secrets/$1" ] || ssh-keygen -q -t ed25519 -N '' -C "aerodag $1" -f "secrets/$1"
}
public() { cut -d ' ' -f 1,2 "secrets/$1.pub"; }
chosen() { # whether a profile is
    case ",$profiles," in *",$1,"*) true ;; *) false ;; esac
}
filled() { # the value that a name gets, given the example's
    case $1 in
    COMPOSE_PROFILES) echo "$profiles" ;;
    AERODAG_EXECUTOR) if chosen celery; then echo CeleryExecutor; else echo "$2"; fi ;;
    AERODAG_PARALLELISM) if chosen celery; then echo 32; else echo "$2"; fi ;;
    AERODAG_STATSD) if chosen monitoring; then echo True; else echo "$2"; fi ;;
    ODM_GPU_IMAGE) if chosen gpu; then echo opendronemap/odm:gpu; fi ;;
    AERODAG_VERSION) deploy/version.sh ;;
    AERODAG_UID) echo "$uid" ;;
    AERODAG_GID) echo "$gid" ;;
    AERODAG_DATA_ROOT) echo "${DATA_ROOT:-$home}" ;;
    AERODAG_HOST) echo "${SITE:-$2}" ;;
    AERODAG_URL) echo "https://$(value AERODAG_HOST)$(value AERODAG_HTTPS_PORT | sed -e /^443$/d -e s/^./:\&/)" ;;
    AERODAG_TLS) echo "${ACME:-$2}" ;;
    DOCKER_SOCKET) echo "$socket" ;;
    DOCKER_GID) stat -L -c %g "$(value DOCKER_SOCKET)" 2>/dev/null || getent group docker | cut -d : -f 3 ;;
    FERNET_KEY) head -c 32 /dev/urandom | base64 | tr '+/' '-_' ;;
    SFTP_HOST_KEY) public sftp_host_key ;;
    UPLOADS_HOST_KEY) public uploads_host_key ;;
    *_PASSWORD | *_SECRET | *_SECRET_KEY) secret ;;
    *) echo "$2" ;;
    esac
}

key sftp_client_key
key sftp_host_key
key uploads_host_key
[ -f secrets/upload_keys ] || {
    echo "# Who may upload by SFTP: one public key a line. The first is the pipeline's own."
    cat secrets/sftp_client_key.pub
} >secrets/upload_keys
mkdir -p secrets/tls
[ -f aerodag.env ] || cp deploy/aerodag.env.example aerodag.env

if [ -n "$profiles" ]; then
    forget '\(COMPOSE_PROFILES\|AERODAG_EXECUTOR\|AERODAG_STATSD\)=.*'
    # What somebody else chose stays.
    forget 'AERODAG_PARALLELISM=\(8\|32\)'
    forget 'ODM_GPU_IMAGE=\(opendronemap/odm:gpu\)\?'
fi
[ -z "${SITE:-}" ] || forget '\(AERODAG_HOST\|AERODAG_URL\)=.*'
[ -z "${ACME:-}" ] || forget 'AERODAG_TLS=.*'
fresh=true
[ -f .env ] && fresh=false
touch .env
while IFS= read -r line; do
    case $line in
    [A-Z]*=*)
        name=${line%%=*}
        has "$name" || printf '%s=%s\n' "$name" "$(filled "$name" "${line#*=}")" >>.env
        ;;
    *) if $fresh; then printf '%s\n' "$line" >>.env; fi ;;
    esac
done <deploy/env.example

data=$(value AERODAG_DATA_ROOT)
owner=$(value AERODAG_UID):$(value AERODAG_GID)
# An empty one is made and given to the services' user; one with files in it is left as it is.
if ! mkdir -p -m 0750 "$data" 2>/dev/null; then
    echo "Make the data root: sudo install -d -m 0750 -o ${owner%:*} -g ${owner#*:} $data" >&2
elif [ "$(id -u)" = 0 ]; then
    [ -n "$(ls -A "$data")" ] || chown "$owner" "$data"
    chown -R "$owner" secrets
fi
echo ".env, aerodag.env and secrets/ are there. Log in as $(value AERODAG_ADMIN_USER) with AERODAG_ADMIN_PASSWORD in .env."
