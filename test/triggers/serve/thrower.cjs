// Has errors in a process that nobody catches, when it is told to.
process.on('SIGUSR2', () => setTimeout(() => { throw new Error('thrown by nobody'); }));
process.on('SIGWINCH', () => void Promise.reject(new Error('rejected by nobody')));
