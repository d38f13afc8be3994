throw new Error('usocket is left out on purpose: no descriptors are passed over D-Bus here');
