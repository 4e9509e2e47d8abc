#!/bin/sh
# The container's steps without a container: install as its Dockerfile does into a fresh folder, start as its ENTRYPOINT
# does, as a user who owns nothing, with nothing but a folder for temporary files to write to.
# usage: [PYTHON=/usr/bin/python3] container_steps.sh [FOLDER]; needs root for the other user, who must be able to run
# that Python, and curl. Says where it had to do without.
set -eu
cd "$(dirname "$0")/.."
root=${1:-$(mktemp -d)}
grep -q "'.\[serve\]'" Dockerfile
python=${PYTHON:-python3}
"$python" -m venv --without-pip "$root/whichgpu"
python3 -m pip --python "$root/whichgpu/bin/python" install --quiet --no-cache-dir ${PIP_FLAGS:-} -c constraints.txt '.[serve]'
mkdir -p "$root/tmp"
chmod 755 "$root" "$root/whichgpu"
chmod 1777 "$root/tmp"
as=""
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
    chmod -R go+rX "$root/whichgpu"
    as="setpriv --reuid 10001 --regid 10001 --clear-groups --no-new-privs"
else
    echo "no root or no setpriv: started as $(id -un)"
fi
cd "$root"
env -i PATH="$root/whichgpu/bin:/usr/bin:/bin" PYTHONDONTWRITEBYTECODE=1 HOME="$root/tmp" TMPDIR="$root/tmp" \
    XDG_CACHE_HOME="$root/tmp" $as "$root/whichgpu/bin/whichgpu" serve --host 0.0.0.0 --port 8799 --workers 2 &
server=$!
trap 'kill $server 2>/dev/null || true' EXIT
for _ in $(seq 100); do
    if curl -fsS -o /dev/null http://127.0.0.1:8799/healthz 2>/dev/null; then break; fi
    sleep 0.2
done
curl -fsS http://127.0.0.1:8799/healthz && echo
curl -fsS http://127.0.0.1:8799/api/v1/recommend -H 'Content-Type: application/json' -d '{"source": "resnet50"}' |
    head -c 60 && echo
printf '{"model_type":"llama","architectures":["LlamaForCausalLM"],"hidden_size":256,"intermediate_size":512,"num_hidden_layers":2,"num_attention_heads":4,"vocab_size":1000,"max_position_embeddings":512}' >"$root/config.json"
curl -fsS http://127.0.0.1:8799/api/v1/capture -F "file=@$root/config.json" | head -c 60 && echo
ps -o user=,args= -p "$server" | cut -c1-80
kill -TERM "$server"
wait "$server" || true
find "$root/tmp" -type f | head
echo "files left in the temporary folder: $(find "$root/tmp" -type f | wc -l)"
