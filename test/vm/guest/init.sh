#!/bin/busybox sh
# Process 1 of the guest. The kernel hands over `layout` and `measurements` of its command line as environment variables.
# Measurements leave by the second serial port; the first one is the console.
export PATH=/bin HOME=/tmp NODE_NO_WARNINGS=1
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t tmpfs tmpfs /tmp
exec </dev/null >/dev/console 2>&1

# Whatever happens to the host's end, this machine does not stay for ever.
(sleep 900; poweroff -f) &

hostname four-nodes
ifconfig lo 127.0.0.1 up
insmod /loop.ko
# A touched byte takes one page, not 2 MiB: the memory that a process could touch is counted in pages.
echo never >/sys/kernel/mm/transparent_hugepage/enabled
# Pages stay where the policy put them.
echo 0 >/proc/sys/kernel/numa_balancing
stty -F /dev/ttyS1 raw -echo

node /numacast/dist/test/vm/guest/main.js "$layout" "$measurements" >/dev/ttyS1
echo "guest: measurements ended with exit code $?"
poweroff -f
