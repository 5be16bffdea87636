# Crypt::JWT as its documentation uses it: decode_jwt with kid_keys, behind the line protocol (docs/protocol.md).
# A program of its own; it must never import Touchstone.
use strict;
use warnings;
use Crypt::JWT qw(decode_jwt);
use JSON;
use MIME::Base64 qw(decode_base64);

my $json = JSON->new->utf8->canonical->allow_nonref->max_depth(1_000_000);
my $record;

sub verify {
    my ($token) = @_;
    return decode_jwt(
        token        => $token,
        kid_keys     => $record->{jwks},
        accepted_alg => $record->{algorithms},
        verify_iss   => $record->{issuer},
        verify_aud   => $record->{audience},
        verify_exp   => 1,
        leeway       => $record->{leeway_s},
    );
}

# A surrogate cannot be written as JSON: it is shown as what is not a character.
sub written {
    my ($value) = @_;
    $value =~ s/[\x{d800}-\x{dfff}]/\x{fffd}/g if defined $value && !ref $value && $value =~ /[\x{d800}-\x{dfff}]/;
    return $value;
}

sub authenticate {
    my ($request) = @_;
    return { verdict => "reject", reason => "issuer" } unless $record;
    my $token = defined $request->{token} ? $request->{token} : decode_base64($request->{token_base64});
    my $claims = eval { verify($token) };    # it dies for every token that it does not accept
    return { verdict => "reject", detail => substr("$@", 0, 500) } if $@ || ref $claims ne "HASH";
    my %named = map { $_ => written($claims->{$_}) } grep { defined && exists $claims->{$_} } "iss", "sub", $record->{custom_claim};
    return { verdict => "accept", claims => \%named };
}

sub onboard {
    my ($integration) = @_;
    return { verdict => "unsupported", capability => "several_integrations" }
        if $record && $record->{id} ne $integration->{id};
    $record = $integration;
    return { verdict => "onboarded" };
}

sub answer {
    my ($request) = @_;
    my $command = $request->{cmd};
    return { ok => JSON::true, name => "Crypt::JWT", version => "$Crypt::JWT::VERSION", language => "perl" }
        if $command eq "start";
    return onboard($request->{integration}) if $command eq "onboard";
    return authenticate($request) if $command eq "authenticate";
    undef $record if $command eq "reset" || ($command eq "offboard" && $record && $record->{id} eq $request->{id});
    return { ok => JSON::true };
}

$| = 1;
while (my $line = <STDIN>) {
    my $request = $json->decode($line);
    print $json->encode({ seq => $request->{seq}, %{ answer($request) } }), "\n";
    last if $request->{cmd} eq "stop";
}
