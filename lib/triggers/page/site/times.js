/** Says of each moment on the page how long ago it is; the moment itself stays in the title. */
export function showTimes(nowMs = Date.now()) {
  for (const element of document.querySelectorAll('time[data-as]')) {
    const at = element.getAttribute('datetime');
    const as = element.dataset.as;
    if (as === 'clock' || Number.isNaN(Date.parse(at))) continue;
    const text = span(nowMs - Date.parse(at));
    const shown = as === 'for' ? `for ${text}` : `${text} ago`;
    if (element.textContent !== shown) element.textContent = shown;
    element.title = `${at.slice(0, 19).replace('T', ' ')} UTC`;
  }
}

/** "12 s", "3 min 20 s", "2 h 5 min", "4 days". */
function span(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return `${minutes} min ${seconds % 60} s`;
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${minutes % 60} min`;
  const days = Math.floor(hours / 24);
  return days === 1 ? '1 day' : `${days} days`;
}
