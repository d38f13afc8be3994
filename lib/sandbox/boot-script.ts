/**
 * What runs between unshare(1) and the system manager, as bash. Nothing is ever put into this text:
 * values come as positional parameters, so a path may hold any character.
 *
 * Parameters: disk, boot id, number of cgroup mounts, then for each of these its type, options and folder
 * below /sys/fs/cgroup ("." for that folder itself), then for each bind its source, place, and `ro` or `rw`.
 *
 * It follows systemd's container interface (systemd.io/CONTAINER_INTERFACE): `container=` is set, /sys is
 * read-only so that no unit touches the host's devices, /proc/sys too except for the network's part.
 */
export const bootScript = `
set -eu
# /proc is still the one of the host, so this is the number by which the host knows us.
read -r host_pid _ </proc/self/stat
disk=$1 boot_id=$2 cgroups=$3
shift 3

mount --make-rprivate /
mount -t proc -o nosuid,nodev,noexec proc /proc

# The disk may lie in /tmp, which is about to be covered: hold on to its folders first.
exec {etc}<"$disk/etc" {srv}<"$disk/srv" {lib}<"$disk/lib" {log}<"$disk/log" {backups}<"$disk/backups"
cgroup_arguments=("\${@:1:3*cgroups}")
shift $((3 * cgroups))
sources=() places=() modes=()
while [ $# -gt 0 ]; do
  exec {source}<"$1"
  sources+=("$source") places+=("$2") modes+=("$3")
  shift 3
done

# Devices of its own: journald would put its socket into the host's /dev.
mount -t tmpfs -o mode=755,nosuid tmpfs "$disk/dev"
cp -a /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty "$disk/dev/"
mkdir "$disk/dev/pts" "$disk/dev/shm"
ln -s pts/ptmx "$disk/dev/ptmx"
ln -s /proc/self/fd "$disk/dev/fd"
ln -s /proc/self/fd/0 "$disk/dev/stdin"
ln -s /proc/self/fd/1 "$disk/dev/stdout"
ln -s /proc/self/fd/2 "$disk/dev/stderr"
mount --move "$disk/dev" /dev
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts /dev/pts
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs /dev/shm

for folder in etc srv lib log backups; do
  case $folder in etc | srv) place=/$folder ;; *) place=/var/$folder ;; esac
  mount --no-canonicalize --bind "/proc/self/fd/\${!folder}" "$place"
done
mount -t tmpfs -o mode=755,nosuid,nodev tmpfs /run
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs /tmp
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs /var/tmp

for i in "\${!sources[@]}"; do
  source=/proc/self/fd/\${sources[i]} place=\${places[i]}
  case $place in
    /etc/* | /srv/* | /var/lib/* | /var/log/* | /var/backups/* | /run/* | /tmp/* | /var/tmp/*)
      # These folders are the sandbox's own; anywhere else a new name would land on the host.
      if [ -d "$source/" ]; then mkdir -p "$place"; else mkdir -p "\${place%/*}" && touch "$place"; fi ;;
  esac
  mount --no-canonicalize --bind "$source" "$place"
  if [ "\${modes[i]}" = ro ]; then mount -o remount,bind,ro "$place"; fi
  exec {sources[i]}<&-
done
exec {etc}<&- {srv}<&- {lib}<&- {log}<&- {backups}<&-

mount -t sysfs -o ro,nosuid,nodev,noexec sysfs /sys
if [ "\${cgroup_arguments[2]}" != . ]; then mount -t tmpfs -o mode=755,nosuid,nodev,noexec tmpfs /sys/fs/cgroup; fi
set -- "\${cgroup_arguments[@]}"
while [ $# -gt 0 ]; do
  place=/sys/fs/cgroup/$3
  mkdir -p "$place"
  mount -t "$1" \${2:+-o "$2"} cgroup "$place"
  case $3 in *,*) for name in \${3//,/ }; do ln -s "$3" "/sys/fs/cgroup/$name"; done ;; esac
  shift 3
done

echo sandbox >/proc/sys/kernel/hostname
exec {net}</proc/sys/net
mount --bind -o ro /proc/sys /proc/sys
mount --no-canonicalize --bind "/proc/self/fd/$net" /proc/sys/net
exec {net}<&-
# The kernel's own number would stay the same over a reboot of the sandbox.
printf '%s\\n' "$boot_id" >/run/boot-id
mount --bind -o ro /run/boot-id /proc/sys/kernel/random/boot_id
rm /run/boot-id

# Units such as those with PrivateTmp= expect to receive later mounts.
mount --make-rshared /
cd /
echo "$host_pid"
exec env -i container=cutover PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \\
  /lib/systemd/systemd --system --unit=multi-user.target --show-status=0 --log-target=journal </dev/null >/dev/null 2>&1
`;

/** Joins the cgroups named by the leading parameters up to `--`, then becomes the command after it. */
export const joinScript = `
set -eu
while [ "$1" != -- ]; do
  echo $$ >"$1/cgroup.procs"
  shift
done
shift
exec "$@"
`;
