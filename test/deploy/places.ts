import type { PlainUser } from './plain-user.ts';

/** Where the things of a site lie, as paths inside, and what its configuration says of that. */
export interface Places {
  /** holds the builds, and goes with the site */
  folder: string;
  builds: string;
  config: string;
  /** of the target */
  state: string;
  logs: string;
  unitFile: string;
  /** the first lines of the configuration */
  head: string[];
}

/** The places of an app whose unit the system's manager runs, or that of a plain user, where state and logs are the defaults. */
export function placesOf(app: string, user?: PlainUser): Places {
  return user ? placesInHome(app, user) : placesOnSystem(app);
}

function placesOnSystem(app: string): Places {
  const [folder, logs] = [`/srv/${app}`, `/var/log/cutover/${app}`];
  return {
    folder,
    logs,
    builds: `${folder}/builds`,
    config: `/etc/cutover-${app}.toml`,
    state: `/var/lib/cutover/${app}/production`,
    unitFile: `/etc/systemd/system/${app}.service`,
    head: [`app = "${app}"`, `logs = "${logs}"`],
  };
}

function placesInHome(app: string, user: PlainUser): Places {
  const folder = `${user.home}/${app}`;
  return {
    folder,
    builds: `${folder}/builds`,
    config: `${user.home}/.config/cutover/${app}.toml`,
    state: `${user.stateHome}/cutover/${app}/production`,
    logs: `${user.stateHome}/cutover/logs`,
    unitFile: `${user.home}/.config/systemd/user/${app}.service`,
    head: [`app = "${app}"`, 'manager = "user"'],
  };
}
