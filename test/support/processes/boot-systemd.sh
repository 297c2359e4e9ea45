#!/bin/sh
# Boots the real systemd, with the units of /etc/systemd/system alone, in namespaces of its own (systemd.ts calls it):
# what it writes to /etc, /opt, /run and /var is gone with it, and it touches nothing else. $1: the folder of this package.
set -eu
# Away from the machine's mounts; shared among those in here, as credentials reach a unit by a mount.
mount --make-rprivate /
mount --make-rshared /
mount -t tmpfs tmpfs /run
mkdir -p /run/etc/up /run/etc/work /run/var/up /run/var/work /run/credentials
mount -t overlay overlay -o lowerdir=/etc,upperdir=/run/etc/up,workdir=/run/etc/work /etc
mount -t overlay overlay -o lowerdir=/var,upperdir=/run/var/up,workdir=/run/var/work /var
mount -t tmpfs tmpfs /opt
mkdir -p /opt/shardhub/node_modules/shardhub
mount --bind "$1" /opt/shardhub/node_modules/shardhub
# What a unit depends on, with nothing in them: no service of the machine is started.
units=/run/units
mkdir $units
for name in sysinit basic shutdown network-online multi-user; do
  printf '[Unit]\nDescription=%s\n' $name >$units/$name.target
done
export SYSTEMD_UNIT_PATH=/etc/systemd/system:$units SYSTEMD_LOG_TARGET=console container=other
# There is no journal to write to.
exec /usr/lib/systemd/systemd --system --unit=multi-user.target --default-standard-output=null
