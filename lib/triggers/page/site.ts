import { ownFile } from '../../base/own-files.ts';

/** A file of the page as it is handed out. */
export interface SiteFile {
  text: string;
  type: string;
}

const types: Record<string, string> = {
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml; charset=utf-8',
};

const names = ['page.css', 'page.js', 'morph.js', 'times.js'];
const icons = ['good', 'bad', 'warn', 'busy', 'quiet'].map((tone) => `${tone}.svg`);

/** The files that a browser asks for, by their names below `/page/`. They hold no data, so nobody needs a token for them. */
export function siteFiles(): Map<string, SiteFile> {
  const files = [...names, ...icons].map((name): [string, SiteFile] => {
    return [name, { text: siteText(name), type: types[name.slice(name.lastIndexOf('.') + 1)] ?? 'text/plain' }];
  });
  return new Map(files);
}

/** The frame of the page, or that of the form that asks for the token: `{{name}}` stands where something is to be put. */
export function siteText(name: string): string {
  return ownFile(`lib/triggers/page/site/${name}`);
}

/** Puts markup where its name stands in a frame. */
export function filled(frame: string, values: Record<string, string>): string {
  return frame.replace(/\{\{(\w+)\}\}/g, (_, name: string) => values[name] ?? '');
}
