/** A file that uses every table, much like the one in the manual. */
export const exampleToml = `
app = "claude-bridge"
manager = "system"
metrics = "/var/lib/prometheus/node-exporter"
x-owner = "team bridge"

[defaults]
keep = 7
environment = { NODE_ENV = "production" }
[defaults.stop]
timeout = "45s"
[defaults.health]
attempts = 5
headers = { accept = "application/json" }
[defaults.database]
kind = "sqlite"
path = "/srv/claude-bridge/app.db"

[targets.production]
unit = "claude-bridge-production"
builds = "/srv/claude-bridge/builds/production/"
strategy = "restart"
port = [9000, 9001]
environment = { LANG = "C" }

[targets.production.start]
timeout = "1min 30s"

[targets.production.health]
url = ["http://127.0.0.1:9000/api/health", "http://unix:/run/app.sock:/health"]
status = ["2xx", 304]
json = { status = "healthy", "services.redis.status" = "connected" }
body = "ok"
headers = { user-agent = "cutover" }
interval = 3
timeout = "5s"
successes = 2
healthy_for = "0s"
identity = false
standin_url = "http://127.0.0.1:9100/"

[targets.production.limits]
disk_used = "80%"
memory_available = "500M"
memory = "512M"
memory_spike = 2.5
cpu = "200%"
journal_errors = -1
journal_pattern = ""

[targets.production.hooks]
fetch = "git fetch"
test = { run = ["npm", "test"], dir = "/srv/repo", timeout = "10min" }
migrate = { run = "migrate", fallback = "baseline", user = "app" }
smoke = ["./a", { run = "./b" }]

[[targets.production.checks]]
name = "environment file"
kind = "env"
path = "/srv/claude-bridge/.env"
mode = "600"
keys = ["DATABASE_URL", "SECRET_KEY"]
when = ["before", "monitor"]
severity = "warn"

[[targets.production.checks]]
name = "login"
kind = "http"
url = "http://127.0.0.1:9000/login"
status = 401

[targets.production.monitor]
every = "15min"

[targets.staging]
unit = "claude-bridge-staging.service"
builds = "/srv/claude-bridge/builds/staging"
port = 9100
allow_force = true
[targets.staging.database]
kind = "postgres"
url_file = "/etc/cutover/database.url"

[[notify]]
channel = "telegram"
token_file = "/etc/cutover/telegram.token"
chat = "46808774"
on = ["rolled_back", "failed"]

[recovery]
phases = [["staging"], ["production"]]

[serve]
listen = "127.0.0.1:4040"
secret_file = "/etc/cutover/webhook.secret"
`;

/** The least a file needs. */
export const leastToml = `
app = "app"
[targets.main]
unit = "app.service"
builds = "/srv/app/builds"
`;
