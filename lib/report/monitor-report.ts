/** Something that speaks against a target, as a pass of the monitor found it. */
export interface MonitorFinding {
  /** `service`, `memory`, `disk`, `identity`, `state`, `pass`, or `check:` with the name of a configured check */
  key: string;
  /** `warn` is told, and makes nothing unhealthy */
  level: 'fail' | 'warn';
  message: string;
  /** when a pass found it first without a good one in between */
  since: string;
  /** how many passes in a row have found it */
  passes: number;
}

/** An alert that this pass raised or cleared. */
export interface MonitorAlert {
  key: string;
  severity: 'warning' | 'critical';
  state: 'raised' | 'cleared';
  message: string;
  since: string;
}

/** One pass of the monitor, as `--json` prints it. */
export interface MonitorReport {
  app: string;
  target: string;
  unit: string;
  healthy: boolean;
  /** why nothing was looked at or done; null: it was */
  passed_over: string | null;
  /** whether the build was deployed so lately that a failure rolls back */
  in_bake: boolean;
  /** passes in a row in which the service itself was not well */
  failures_in_row: number;
  findings: MonitorFinding[];
  actions: string[];
  alerts: MonitorAlert[];
  /** the run that the pass carried out; null: none */
  run: string | null;
  checked_at: string;
  duration_ms: number;
  exit_code: number;
}
