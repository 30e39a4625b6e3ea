require 'active_record'
ActiveRecord::Base.establish_connection(adapter: 'postgresql', host: ENV['PGHOST'], port: ENV['PGPORT'],
                                        username: ENV['PGUSER'], database: ENV['PGDATABASE'])
begin
  if ARGV.include?('cured')
    any = ActiveModel::Type::Value.new
    binds = [ENV['SECRET'], 'mobile'].map { |value| ActiveRecord::Relation::QueryAttribute.new('value', value, any) }
    ActiveRecord::Base.connection.exec_query('SELECT * FROM auth_store.client_create(name => $1, client_type => $2)', 'auth_store', binds)
  else
    ActiveRecord::Base.find_by_sql(['SELECT * FROM auth_store.client_create(name => ?, client_type => ?)', ENV['SECRET'], 'mobile'])
  end
rescue ActiveRecord::StatementInvalid => e
  puts e.full_message
end
