/** What may be done to a unit, in the word that systemd tells polkit (`verb` of org.freedesktop.systemd1.manage-units). */
export type Verb = 'start' | 'stop' | 'restart' | 'reset-failed' | 'kill';
