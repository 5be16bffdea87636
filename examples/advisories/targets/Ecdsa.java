import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.security.KeyFactory;
import java.security.Signature;
import java.security.SignatureException;
import java.security.spec.X509EncodedKeySpec;
import java.util.Base64;

/** The JDK's own ES256: a line of key, input and signature in base64 in, true or false out. */
public class Ecdsa {
    public static void main(String[] args) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String line; (line = in.readLine()) != null; ) {
            String[] words = line.split(" ", -1);
            Signature ecdsa = Signature.getInstance("SHA256withECDSAinP1363Format");
            byte[] spki = Base64.getDecoder().decode(words[0]);
            ecdsa.initVerify(KeyFactory.getInstance("EC").generatePublic(new X509EncodedKeySpec(spki)));
            ecdsa.update(Base64.getDecoder().decode(words[1]));
            boolean good;
            try {
                good = ecdsa.verify(Base64.getDecoder().decode(words[2]));
            } catch (SignatureException refused) {
                good = false;
            }
            System.out.println(good);
        }
    }
}
