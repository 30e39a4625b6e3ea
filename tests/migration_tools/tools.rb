# What Rails' tasks db:migrate, db:schema:dump and db:schema:load do, without Rails: ruby tools.rb migrate | down | dump | load. Takes
# the settings from config/ and the migrations from db/migrate, where they are in an application, below the directory it is run in.
require 'yaml'
require 'active_record'

tasks = ActiveRecord::Tasks::DatabaseTasks
tasks.root, tasks.db_dir, tasks.env = Dir.pwd, 'db', 'development'
tasks.migrations_paths = ActiveRecord::Migrator.migrations_paths = ['db/migrate']

# config.active_record, as Rails hands it on: to the class before version 7, to the module since.
config = Struct.new(:active_record).new(ActiveRecord.respond_to?(:schema_format=) ? ActiveRecord : ActiveRecord::Base)
eval File.read('config/application.rb')

connection = { 'adapter' => 'postgresql', 'host' => ENV['PGHOST'], 'port' => ENV['PGPORT'], 'username' => ENV['PGUSER'], 'database' => ENV['PGDATABASE'] }
ActiveRecord::Base.configurations = { 'development' => { 'primary' => connection.merge(YAML.load(File.read('config/database.yml')) || {}) } }
database = ActiveRecord::Base.configurations.configs_for(env_name: 'development', name: 'primary')
ActiveRecord::Base.establish_connection(database)

case ARGV[0]
when 'migrate' then tasks.migrate
when 'down'
  ENV['VERSION'] = '0'
  tasks.migrate
when 'dump' then tasks.dump_schema(database)
when 'load' then tasks.load_schema(database)
else abort "no such task: #{ARGV[0]}"
end
