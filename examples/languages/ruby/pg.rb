# Ruby's pg: exec_params sends text without a type, so the server reads it as whatever the argument is.
require 'digest'
require 'securerandom'

# docs: begin
require 'json'
require 'pg'
require 'time'

DB = PG.connect
# Booleans, integers, times, jsonb and text[] as Ruby has them; uuid and inet as strings.
DB.type_map_for_results = PG::BasicTypeMapForResults.new(DB).tap { |map| map.default_type_map = PG::TypeMapAllStrings.new }
LIST = PG::TextEncoder::Array.new(elements_type: PG::TextEncoder::String.new)

def text(value)
  case value
  when Array then LIST.encode(value)
  when Hash then JSON.generate(value)
  when Time then value.iso8601(6)
  else value&.to_s
  end
end

# The row of auth_store.function(). The names are the program's own, never input; the values are bind parameters.
def call(function, **arguments)
  names = arguments.keys.each.with_index(1).map { |name, number| %("#{name}" => $#{number}) }.join(', ')
  DB.exec_params("SELECT * FROM auth_store.#{function}(#{names})", arguments.values.map { |value| text(value) }).first
end

client = call(:client_create, name: 'Phone', client_type: 'public', redirect_uris: ['https://app.example/cb'],
                              scope: 'orders profile', access_token_ttl: '10 minutes', metadata: { team: 'shop' })
# docs: end
def must(true_or_not) = true_or_not || raise('not as it should be')

puts 'registered: a client'
user_id = call(:user_ensure, external_id: SecureRandom.hex(8))['user_ensure']
verifier = SecureRandom.urlsafe_base64(32)
challenge = Digest::SHA256.base64digest(verifier).tr('+/', '-_').delete('=')
code = call(:code_issue, client_id: client['client_id'], user_id: user_id, redirect_uri: 'https://app.example/cb', scope: 'orders',
                         code_challenge: challenge, auth_time: Time.now, amr: %w[pwd otp], claims: { shop: 7 }, ip: '203.0.113.9',
                         user_agent: nil)['code']
redeem = { code: code, client_id: client['client_id'], redirect_uri: 'https://app.example/cb', code_verifier: verifier }
first = call(:code_redeem, **redeem)
puts "redeemed: #{first['token_type']} #{first['expires_in']} #{first['scope']}"
state = call(:token_introspect, token: first['access_token'])
must state['active'] && state['user_id'] == user_id && state['expires_at'] > state['issued_at']
puts "introspected: #{state['claims']['shop']}"
second = call(:token_refresh, refresh_token: first['refresh_token'], client_id: client['client_id'])
must second['error'].nil? && second['refresh_token'] != first['refresh_token']
puts 'refreshed: another refresh token'
key = call(:api_key_create, name: 'ci', user_id: user_id, scope: 'deploy', allowed_cidrs: ['10.0.0.0/8'],
                            expires_at: Time.now + 30 * 86_400)['api_key']
must call(:api_key_verify, api_key: key, required_scope: 'deploy', ip: '10.1.2.3')['valid']
puts 'API key: valid'
call(:token_revoke, token: second['refresh_token'], client_id: client['client_id'])
must !call(:token_introspect, token: second['access_token'])['active']
puts 'revoked: not active'

# docs: begin
puts "refused: #{call(:code_redeem, **redeem)['error']}"
begin
  call(:client_create, name: 'x', client_type: 'mobile')
rescue PG::Error => e
  puts "mistake: #{e.result.error_field(PG::PG_DIAG_SQLSTATE)} #{e.result.error_field(PG::PG_DIAG_MESSAGE_HINT)}"
end
token = nil
begin
  DB.transaction do
    DB.exec_params('INSERT INTO orders (user_id) VALUES ($1)', [user_id])
    token = call(:token_issue, client_id: client['client_id'], user_id: user_id)['access_token']
    raise 'the order failed'
  end
rescue RuntimeError
  nil
end
# docs: end
must !call(:token_introspect, token: token)['active']
puts "rolled back: orders #{DB.exec_params('SELECT count(*) FROM orders WHERE user_id = $1', [user_id]).getvalue(0, 0)}"
