// go-oidc as its documentation uses it: a remote key set, kept, and a verifier, behind the line protocol
// (docs/protocol.md). A program of its own; it must never import Touchstone.
package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"

	oidc "github.com/coreos/go-oidc"
)

type record struct {
	ID          string   `json:"id"`
	Issuer      string   `json:"issuer"`
	Audience    string   `json:"audience"`
	Algorithms  []string `json:"algorithms"`
	CustomClaim string   `json:"custom_claim"`
	JwksURI     string   `json:"jwks_uri"`
	CaFile      string   `json:"ca_file"`
}

type request struct {
	Seq         json.Number `json:"seq"`
	Cmd         string      `json:"cmd"`
	ID          string      `json:"id"`
	Integration record      `json:"integration"`
	Token       *string     `json:"token"`
	TokenBase64 string      `json:"token_base64"`
}

type answer map[string]interface{}

var (
	current  *record
	verifier *oidc.IDTokenVerifier
)

func onboard(wanted record) answer {
	if current != nil && current.ID != wanted.ID {
		return answer{"verdict": "unsupported", "capability": "several_integrations"}
	}
	ctx := context.Background()
	if wanted.CaFile != "" {
		pem, err := os.ReadFile(wanted.CaFile)
		if err != nil {
			panic(err)
		}
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(pem)
		ctx = oidc.ClientContext(ctx, &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}})
	}
	current = &wanted
	config := &oidc.Config{ClientID: wanted.Audience, SupportedSigningAlgs: wanted.Algorithms}
	verifier = oidc.NewVerifier(wanted.Issuer, oidc.NewRemoteKeySet(ctx, wanted.JwksURI), config)
	return answer{"verdict": "onboarded"}
}

func rejected(err error) answer {
	detail := err.Error()
	if len(detail) > 500 {
		detail = detail[:500]
	}
	return answer{"verdict": "reject", "detail": detail}
}

func authenticate(asked request) answer {
	if current == nil {
		return answer{"verdict": "reject", "reason": "issuer"}
	}
	token := ""
	if asked.Token != nil {
		token = *asked.Token
	} else {
		raw, err := base64.StdEncoding.DecodeString(asked.TokenBase64)
		if err != nil {
			panic(err)
		}
		token = string(raw)
	}
	read, err := verifier.Verify(context.Background(), token)
	if err != nil {
		return rejected(err)
	}
	var claims map[string]interface{}
	if err := read.Claims(&claims); err != nil {
		return rejected(err)
	}
	named := map[string]interface{}{}
	for _, name := range []string{"iss", "sub", current.CustomClaim} {
		if value, there := claims[name]; there {
			named[name] = value
		}
	}
	return answer{"verdict": "accept", "claims": named}
}

func answered(asked request) answer {
	switch asked.Cmd {
	case "start":
		return answer{"ok": true, "name": "go-oidc", "version": os.Getenv("GO_OIDC_VERSION"), "language": "go"}
	case "onboard":
		return onboard(asked.Integration)
	case "authenticate":
		return authenticate(asked)
	case "reset":
		current = nil
	case "offboard":
		if current != nil && current.ID == asked.ID {
			current = nil
		}
	}
	return answer{"ok": true}
}

func main() {
	lines := bufio.NewReader(os.Stdin)
	out := json.NewEncoder(os.Stdout)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		var asked request
		if err := json.Unmarshal(line, &asked); err != nil {
			panic(err)
		}
		reply := answered(asked)
		reply["seq"] = asked.Seq
		if err := out.Encode(reply); err != nil {
			panic(err)
		}
		if asked.Cmd == "stop" {
			return
		}
	}
}
