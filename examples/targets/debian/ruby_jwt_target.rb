# ruby-jwt as its documentation uses it: JWT.decode with a JWK set, behind the line protocol (docs/protocol.md).
# A program of its own; it must never import Touchstone.
require "base64"
require "json"
require "jwt"

$record = nil

def verify(token, record)
  options = {
    algorithms: record["algorithms"], jwks: { keys: record["jwks"]["keys"].map { |key| key.transform_keys(&:to_sym) } },
    iss: record["issuer"], verify_iss: true, aud: record["audience"], verify_aud: true, verify_iat: true,
    leeway: record["leeway_s"]
  }
  claims, = JWT.decode(token, nil, true, options)
  claims
end

def authenticate(request)
  return { verdict: "reject", reason: "issuer" } if $record.nil?
  token = request["token"] || Base64.decode64(request["token_base64"])
  begin
    claims = verify(token, $record)
  rescue JWT::DecodeError => error
    return { verdict: "reject", detail: "#{error.class}: #{error.message}"[0, 500].scrub }
  end
  named = claims.slice("iss", "sub", $record["custom_claim"])
  # A text that is no valid UTF-8 cannot be written as JSON: it is shown with what it lacks replaced.
  { verdict: "accept", claims: named.transform_values { |value| value.is_a?(String) ? value.scrub : value } }
end

def answer(request)
  case request["cmd"]
  when "start"
    { ok: true, name: "ruby-jwt", version: JWT.gem_version.to_s, language: "ruby" }
  when "onboard"
    if $record && $record["id"] != request["integration"]["id"]
      return { verdict: "unsupported", capability: "several_integrations" }
    end
    $record = request["integration"]
    { verdict: "onboarded" }
  when "authenticate" then authenticate(request)
  when "offboard", "reset"
    $record = nil if request["cmd"] == "reset" || ($record && $record["id"] == request["id"])
    { ok: true }
  else { ok: true }
  end
end

$stdout.sync = true
while (line = $stdin.gets)
  request = JSON.parse(line, max_nesting: false)
  puts JSON.generate({ seq: request["seq"] }.merge(answer(request)))
  break if request["cmd"] == "stop"
end
