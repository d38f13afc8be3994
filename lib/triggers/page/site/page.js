import { morph } from './morph.js';
import { showTimes } from './times.js';

// The server renders; this puts what has changed in its place, and says so when nothing comes any more.

const connection = document.getElementById('connection');
const news = document.getElementById('news');
const root = document.documentElement;

/** The server says something at least every 10 s. */
const silentMs = 25_000;
const againMs = 3_000;
const patienceMs = 2_000;

let source;
let heardMs = Date.now();
let lostSince = null;
let known = null;

function connect() {
  source = new EventSource('/events?as=page');
  source.addEventListener('page', (event) => receive(JSON.parse(event.data)));
  source.addEventListener('beat', heard);
  source.addEventListener('error', () => {
    const lastMs = heardMs;
    // A server that lets its listeners go once an hour is there again at once.
    setTimeout(() => heardMs === lastMs && lose(), patienceMs);
    // A refusal is final for it; a broken connection it mends itself.
    if (source.readyState === EventSource.CLOSED) setTimeout(askWhy, againMs);
  });
}

function receive({ assets, title, tone, sections, said }) {
  // The server is a newer one than this page.
  if (assets !== root.dataset.assets) return location.reload();
  heard();
  document.title = title;
  document.getElementById('icon').href = `/page/${tone}.svg`;
  for (const [id, html] of Object.entries(sections)) {
    const part = document.getElementById(id);
    const fresh = new DOMParser().parseFromString(`<div id="${id}">${html}</div>`, 'text/html').body.firstElementChild;
    if (part && fresh) morph(part, fresh);
  }
  showTimes();
  tell(said);
  root.dataset.live = '';
}

/** Says what has changed since the last time, for who does not see it. */
function tell(said) {
  const changed = Object.entries(said).filter(
    ([name, words]) => known !== null && known[name] !== words && words !== '',
  );
  known = said;
  if (changed.length > 0) news.textContent = changed.map(([name, words]) => `${name}: ${words}`).join('. ');
}

function heard() {
  heardMs = Date.now();
  if (lostSince === null) return;
  lostSince = null;
  delete root.dataset.stale;
  connection.className = 'connection back';
  connection.textContent = 'Connected again.';
  setTimeout(() => (connection.hidden = lostSince === null), 4_000);
}

function lose() {
  if (lostSince !== null) return;
  lostSince = new Date(heardMs);
  root.dataset.stale = '';
  delete root.dataset.live;
  const clock = lostSince.toISOString().slice(11, 19);
  connection.className = 'connection';
  connection.textContent = `Not connected since ${clock} UTC: what is shown is as it was then. Trying again.`;
  connection.hidden = false;
}

async function askWhy() {
  const status = await fetch('/state', { cache: 'no-store' }).then(
    (response) => response.status,
    () => 0,
  );
  // The token is asked for again, or a page explains why there is nothing to see.
  if (status === 401 || status === 403) return location.reload();
  connect();
}

/** Opens the run that a link leads to. */
function openTarget() {
  const run = document.getElementById(wordOf(location.hash.slice(1)));
  if (run?.tagName !== 'DETAILS') return;
  for (let part = run; part; part = part.parentElement?.closest('details')) part.open = true;
  run.firstElementChild.focus();
}

/** What cannot be decoded names nothing. */
function wordOf(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}

addEventListener('hashchange', openTarget);
// The same link twice changes no address. Another one is left to the change: opened twice, a run could open behind whoever closed it.
document.addEventListener('click', (event) => {
  if (event.target.closest?.('.timeline a')?.hash === location.hash) setTimeout(openTarget);
});
// A laptop that slept hears of the broken connection late.
setInterval(() => {
  showTimes();
  if (Date.now() - heardMs > silentMs && lostSince === null) {
    source.close();
    lose();
    connect();
  }
}, 1_000);

connect();
showTimes();
openTarget();
