require 'sequel'
db = Sequel.connect(adapter: 'postgres', host: ENV['PGHOST'], port: ENV['PGPORT'], user: ENV['PGUSER'], database: ENV['PGDATABASE'])
db.extension :pg_auto_parameterize if ARGV.include?('cured')
begin
  db['SELECT * FROM auth_store.client_create(name => ?, client_type => ?)', ENV['SECRET'], 'mobile'].first
rescue Sequel::DatabaseError => e
  puts e.full_message
end
