/**
 * Makes an element look like another one and keeps what need not change: focus, marked text, and runs that somebody opened.
 * Children with an id are found again wherever they are.
 */
export function morph(old, fresh) {
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
    return;
  }
  // What times.js wrote would be written again.
  const isSameTime = old.tagName === 'TIME' && old.getAttribute('datetime') === fresh.getAttribute('datetime');
  morphAttributes(old, fresh);
  if (isSameTime) return;
  morphChildren(old, fresh);
}

function morphAttributes(old, fresh) {
  for (const { name } of Array.from(old.attributes)) {
    const isPersons = name === 'open' || name === 'title';
    if (!fresh.hasAttribute(name) && !isPersons) old.removeAttribute(name);
  }
  for (const { name, value } of Array.from(fresh.attributes)) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
}

function morphChildren(old, fresh) {
  let next = old.firstChild;
  for (const child of Array.from(fresh.childNodes)) {
    const match = matchFor(child, next, old);
    if (match === null) {
      old.insertBefore(child, next);
      continue;
    }
    // What lies between was left out.
    while (next !== null && next !== match && !isWanted(next, fresh)) next = removed(next);
    if (match === next) next = next.nextSibling;
    else old.insertBefore(match, next);
    morph(match, child);
  }
  while (next !== null) next = removed(next);
}

function matchFor(child, next, old) {
  if (child.id) return [...old.children].find((one) => one.id === child.id) ?? null;
  if (next === null || next.id || next.nodeName !== child.nodeName) return null;
  return next;
}

function isWanted(node, fresh) {
  return Boolean(node.id) && [...fresh.children].some((one) => one.id === node.id);
}

function removed(node) {
  const next = node.nextSibling;
  node.remove();
  return next;
}
